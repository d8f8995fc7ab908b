"""The metrics that are ready by name: another one is another entry.

docs/METRICS.md shows this table to users; a test compares them.
"""

from __future__ import annotations

import math

from fairsweep import scores
from fairsweep.metrics.metric import LOSS, OF_CLASSES, OF_NAMES, OF_ZERO, KerasMetric, Metric
from fairsweep.tasks.values import QUANTILES_FORM, VALUES_FORM


def top(most: int) -> Metric:
    """How often a row's class is one of the likeliest, of which it looks at so many."""
    return Metric(
        f"top_{most}",
        "maximize",
        f"Top-{most} accuracy",
        f"Higher is better. How often the class is one of the {most} likeliest.",
        bounds=(0.0, 1.0),
        score=lambda told: scores.top(*told.outputs, most),
        forms=OF_CLASSES,
        outputs=True,
        of_rows=True,
        most=most,
    )


OF_NUMBERS = (VALUES_FORM, QUANTILES_FORM)
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            LOSS,
            "minimize",
            "Loss",
            "Lower is better. Where the solid line (validation) turns up while the dashed one "
            "(training) still falls, the network has begun to overfit.",
            log=True,
        ),
        Metric(
            "accuracy",
            "maximize",
            "Accuracy",
            "Higher is better. A solid line far below its dashed one is overfitting. Where the "
            "bands of two arms overlap, trainings of the same arm differ as much as the arms do.",
            bounds=(0.0, 1.0),
            # Of several labels a row it is the share of right answers to whether a row has one;
            # by the name "accuracy" Keras would ask which of them is the likeliest.
            keras={
                "sparse": KerasMetric("SparseCategoricalAccuracy"),
                "one-hot": KerasMetric("CategoricalAccuracy"),
                "labels": KerasMetric("BinaryAccuracy", threshold="threshold"),
                "column": KerasMetric("BinaryAccuracy", threshold="threshold"),
            },
        ),
        Metric(
            "f1",
            "maximize",
            "Macro F1",
            "Higher is better. The mean of every class's F1 score, so rare classes count as much "
            "as others.",
            bounds=(0.0, 1.0),
            score=lambda told: scores.macro_f1(*told.answers),
            forms=OF_NAMES,
        ),
        Metric(
            "auc",
            "maximize",
            "Area under the ROC curve",
            "Higher is better; 0.5 is chance. How often a row of a class gets a higher probability "
            "of it than a row of another class.",
            bounds=(0.0, 1.0),
            score=lambda told: scores.roc_auc(*told.outputs),
            forms=OF_NAMES,
            outputs=True,
        ),
        Metric(
            "pr_auc",
            "maximize",
            "Area under the precision-recall curve",
            "Higher is better; chance is the share of rows that have the class. Average precision: "
            "of two classes that of the second, of more the mean over classes.",
            bounds=(0.0, 1.0),
            score=lambda told: scores.average_precision(*told.outputs),
            forms=OF_NAMES,
            outputs=True,
        ),
        Metric(
            "f1_weighted",
            "maximize",
            "Weighted F1",
            "Higher is better. The mean of every class's F1 score, weighted by its rows.",
            bounds=(0.0, 1.0),
            score=lambda told: scores.weighted_f1(*told.answers),
            forms=OF_NAMES,
        ),
        Metric(
            "precision",
            "maximize",
            "Macro precision",
            "Higher is better. How many of the rows that are said to be of a class are, the mean "
            "over classes.",
            bounds=(0.0, 1.0),
            score=lambda told: scores.macro_precision(*told.answers),
            forms=OF_NAMES,
        ),
        Metric(
            "recall",
            "maximize",
            "Macro recall",
            "Higher is better. How many of the rows of a class are found, the mean over classes.",
            bounds=(0.0, 1.0),
            score=lambda told: scores.macro_recall(*told.answers),
            forms=OF_NAMES,
        ),
        Metric(
            "balanced_accuracy",
            "maximize",
            "Balanced accuracy",
            "Higher is better. The accuracy on each class, the mean over classes that have rows.",
            bounds=(0.0, 1.0),
            score=lambda told: scores.balanced_accuracy(*told.answers, told.task.exclusive),
            forms=OF_NAMES,
        ),
        Metric(
            "mcc",
            "maximize",
            "Matthews correlation coefficient",
            "Higher is better; 0 is chance. The correlation of what rows are with what they are "
            "taken for.",
            bounds=(-1.0, 1.0),
            score=lambda told: scores.matthews(*told.answers, told.task.exclusive),
            forms=OF_NAMES,
        ),
        *map(top, (3, 5)),
        Metric(
            "log_loss",
            "minimize",
            "Log loss",
            "Lower is better. Minus the logarithm of the probability of what is true, whatever "
            "the training loss is.",
            log=True,
            bounds=(0.0, -math.log(scores.LEAST)),
            score=lambda told: scores.log_loss(*told.outputs, told.task.exclusive),
            forms=OF_NAMES,
            outputs=True,
            of_rows=True,
        ),
        Metric(
            "brier",
            "minimize",
            "Brier score",
            "Lower is better. The squared distance of probabilities from 1 for what is true and 0 "
            "for what isn't.",
            bounds=(0.0, 2.0),
            score=lambda told: scores.brier(*told.outputs, told.task.exclusive),
            forms=OF_NAMES,
            outputs=True,
            of_rows=True,
        ),
        Metric(
            "calibration_error",
            "minimize",
            "Expected calibration error",
            "Lower is better. How far the probability of the class that is told is from how often "
            f"it is right, over {scores.BINS} bins of equal width.",
            bounds=(0.0, 1.0),
            score=lambda told: scores.calibration_error(*told.outputs, told.task.exclusive),
            forms=OF_NAMES,
            outputs=True,
        ),
        Metric(
            "mae",
            "minimize",
            "Mean absolute error",
            "Lower is better. How far predictions are off, in the units of the target.",
            log=True,
            bounds=(0.0, math.inf),
            keras=dict.fromkeys(OF_NUMBERS, KerasMetric("MeanAbsoluteError")),
            digits="four digits",
            unit=True,
        ),
        Metric(
            "rmse",
            "minimize",
            "Root mean squared error",
            "Lower is better. How far predictions are off, in the units of the target; a large "
            "error counts for more than several small ones.",
            log=True,
            bounds=(0.0, math.inf),
            keras=dict.fromkeys(OF_NUMBERS, KerasMetric("RootMeanSquaredError")),
            shares=scores.rmse,
            digits="four digits",
            unit=True,
        ),
        Metric(
            "r2",
            "maximize",
            "R²",
            "Higher is better. The share of the target's variance that is predicted: 1 is all of "
            "it, 0 is as good as its mean, below 0 is worse.",
            bounds=(-math.inf, 1.0),
            keras=dict.fromkeys(OF_NUMBERS, KerasMetric("R2Score")),
            shares=scores.r2,
            digits="three decimals",
        ),
        Metric(
            "mape",
            "minimize",
            "Mean absolute percentage error",
            "Lower is better. How far predictions are off, in percent of the true value; a value "
            "near 0 makes it enormous.",
            log=True,
            bounds=(0.0, math.inf),
            keras=dict.fromkeys(OF_NUMBERS, KerasMetric("MeanAbsolutePercentageError")),
            digits="four digits",
            limit=OF_ZERO,
        ),
    )
}

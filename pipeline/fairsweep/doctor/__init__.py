"""Examines stored sweeps and says what is wrong with them; it changes nothing.

What is examined: the journal of a sweep's studies (`studies`), its runs in MLflow, row by row
(`runs`, `database`), and its files (`files`). What must hold, whatever was killed on the way:

    V1  every trial of an arm has one outcome, or was begun and has none yet
    V2  each training has exactly one run; its status, its outcome and the study agree
    V3  every epoch of a run is stored once
    V4  the study has the values that MLflow has, bit for bit
    V5  promised files are there and whole: weights, what is kept of test rows (confusion.json, or
        residuals.json), the published model
    V6  nothing is left open or lying about after a process was killed

V1 to V4 are `checks`, V5 and V6 are `files`. Which trials are confirmed, which runs hold a whole
training, which checkpoints are needed: these rules are the sweep's own, imported from where it has
them. Whatever can be mended without training is mended by the next start of the sweep (AGAIN).
"""

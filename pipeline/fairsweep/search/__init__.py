"""One Optuna study per arm. Owner of optuna."""

"""Ready configurations with the paper's hyper-parameters, for eight GPUs; not run here."""

"""Lei et al.'s Graph-TCN over facial landmarks."""

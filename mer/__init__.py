"""mer: micro-expression recognition, from raw clips to pooled leave-one-subject-out scores."""

__version__ = "0.1.0"

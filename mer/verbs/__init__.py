"""One short file a verb of the ``mer`` command."""

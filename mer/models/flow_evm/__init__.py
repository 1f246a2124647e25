"""Liu's multi-stream CNN of flow and magnified motion."""

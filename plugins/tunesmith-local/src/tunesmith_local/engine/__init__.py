"""Forward passes over batches of rows, each equal to the row alone."""

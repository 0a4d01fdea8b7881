"""The methods: how each starts, is saved, loaded and served."""

"""Functions and AI services that are deployed: their code runs in processes of its own."""

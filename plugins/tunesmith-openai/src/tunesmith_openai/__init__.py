"""Every provider with OpenAI's API as a tunesmith backend."""

"""OpenAI's files and fine-tuning jobs, beside what ``tunesmith-serve`` answers."""

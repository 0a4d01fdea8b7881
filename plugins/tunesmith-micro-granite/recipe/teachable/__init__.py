"""The second generation, `tunesmith/micro-granite-2`: it takes its task from a soft prompt.

    python -m recipe.teachable --out DIR

`vocabulary` takes words and their vectors from SmolLM2, `table` makes the embedding of them,
`words` and `sources` write texts of many kinds, `episodes` join tasks and texts to documents,
`training` minimizes the loss.
"""

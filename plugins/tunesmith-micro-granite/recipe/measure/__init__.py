"""Measures a model folder on kinds of tasks that it was not trained on.

    python -m recipe.measure DIR

`held_out` writes the tasks, `public` reads files that lie on this machine, and `judging` runs
them through tunesmith: the label scores of the untuned model, few-shot, prompt tuning, TF-IDF.
"""

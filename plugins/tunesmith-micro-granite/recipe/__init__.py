"""The recipe: it makes the tokenizer and the weights of `tunesmith/micro-granite` from scratch.

    python -m recipe --out DIR

`grammar` writes reviews, `wording` holds the instructions and the label
words, `documents` joins both, `batches` turns documents into tensors, `training` minimizes the
loss, `architecture` shapes the model and `tokenizer` its vocabulary.
"""

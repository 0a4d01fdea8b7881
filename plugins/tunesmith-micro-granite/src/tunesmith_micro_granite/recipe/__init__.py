"""The recipe: makes the tokenizer and the weights of `tunesmith/micro-granite` from nothing.

    python -m tunesmith_micro_granite.recipe --out DIR

The way of the text: `grammar` writes reviews, `wording` holds the instructions and the label
words, `documents` joins both, `batches` turns documents into tensors, `training` minimizes the
loss, `architecture` shapes the model and `tokenizer` its vocabulary.
"""

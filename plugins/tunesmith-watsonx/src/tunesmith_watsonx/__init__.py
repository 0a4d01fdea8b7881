"""IBM watsonx.ai as a tunesmith backend, through the ``ibm-watsonx-ai`` SDK."""

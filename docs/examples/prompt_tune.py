"""Prompt tuning with IBM's SDK, as it was written for IBM's cloud.

Run it from the project's root:

tunesmith emulator run -- python docs/examples/prompt_tune.py
"""

from datetime import datetime

import pandas as pd
from ibm_watsonx_ai import APIClient
from ibm_watsonx_ai.experiment import TuneExperiment
from ibm_watsonx_ai.foundation_models import ModelInference
from ibm_watsonx_ai.helpers import DataConnection
from sklearn.metrics import accuracy_score

credentials = {"url": "https://us-south.ml.cloud.ibm.com", "apikey": "YOUR_API_KEY"}
project_id = "YOUR_PROJECT_ID"
base_model_id = "ibm/granite-13b-instruct-v2"

client = APIClient(credentials)
client.set.default_project(project_id)
asset = client.data_assets.create(name="train.json", file_path="data/grooming_reviews/train.json")
rows = DataConnection(data_asset_id=client.data_assets.get_id(asset))

experiment = TuneExperiment(credentials, project_id=project_id)
tuner = experiment.prompt_tuner(
    name="grooming reviews",
    task_id=experiment.Tasks.CLASSIFICATION,
    base_model=base_model_id,
    tuning_type=experiment.PromptTuningTypes.PT,
    num_epochs=3,
    learning_rate=0.001,
    batch_size=16,
    accumulate_steps=1,
    max_input_tokens=256,
    max_output_tokens=2,
    init_method="text",
    init_text="Extract whether the customer is satisfied. Return 1 for satisfied or 0 for not.",
    verbalizer="Comment: {{input}}\nSatisfaction:\n",
    auto_update_model=True,
)
tuner.run(training_data_references=[rows], background_mode=False)
print(tuner.get_run_status())
print(tuner.summary().T)

names = client.deployments.ConfigurationMetaNames
deployment = client.deployments.create(
    tuner.get_model_id(),
    {
        names.NAME: "grooming reviews",
        names.ONLINE: {},
        names.SERVING_NAME: datetime.now().strftime("%Y_%m_%d_%H%M%S"),
    },
)

test = pd.read_json("data/grooming_reviews/test.json", dtype=False)
tuned = ModelInference(deployment_id=deployment["metadata"]["id"], api_client=client)
base = ModelInference(model_id=base_model_id, api_client=client)
for name, model in (("tuned", tuned), ("base", base)):
    answers = model.generate_text(prompt=list(test.input), concurrency_limit=8)
    accuracy = accuracy_score(list(test.output), [answer.strip() for answer in answers])
    print(f"{name} model, accuracy: {accuracy:.3f}")

// IBM's Node SDK: trainings, deployments, generation, chat, tokens and the catalogue.

import { WatsonXAI } from "@ibm-cloud/watsonx-ai";
import { IamAuthenticator } from "@ibm-cloud/watsonx-ai/authentication/index.js";

const settings = JSON.parse(process.argv[2]);
const { project_id: projectId, model_id: modelId, deployment, serving_name: servingName } = settings;
const [input] = settings.prompts;
const parameters = { decoding_method: "greedy", max_new_tokens: 8 };
const messages = [{ role: "user", content: input }];
const sampling = { maxTokens: 8, temperature: 0 };

const client = WatsonXAI.newInstance({
  version: "2024-05-31",
  serviceUrl: settings.url,
  authenticator: new IamAuthenticator({ apikey: "any", url: settings.url }),
});

async function streamed(stream) {
  const texts = [];
  for await (const { data } of await stream) {
    texts.push(data.results?.[0].generated_text ?? data.choices?.[0]?.delta.content ?? "");
  }
  return texts;
}

async function refused(request) {
  try {
    await request;
  } catch (error) {
    return { status: error.code ?? error.status, message: error.message };
  }
  return null;
}

async function trained() {
  const created = await client.createTraining({
    name: "made by Node",
    projectId,
    autoUpdateModel: true,
    promptTuning: settings.prompt_tuning,
    trainingDataReferences: [{ type: "data_asset", location: { id: settings.asset, href: `/v2/assets/${settings.asset}` } }],
    resultsReference: { type: "container", location: { path: "results" } },
  });
  const trainingId = created.result.metadata.id;
  let training;
  do {
    await new Promise((resolve) => setTimeout(resolve, 100));
    training = (await client.getTraining({ trainingId, projectId })).result;
  } while (!["completed", "failed", "canceled"].includes(training.entity.status.state));
  const listed = await client.listTrainings({ projectId, limit: 10, totalCount: true });
  const deleted = await client.deleteTraining({ trainingId, projectId, hardDelete: true });
  return {
    created: created.status,
    state: training.entity.status.state,
    echoed: training.entity.prompt_tuning,
    listed: listed.result.resources.map(({ metadata }) => metadata.id).includes(trainingId),
    total: listed.result.total_count,
    deleted: deleted.status,
    gone: await refused(client.getTraining({ trainingId, projectId })),
  };
}

async function deployed() {
  const online = { parameters: { serving_name: "made_by_node" } };
  const created = await client.createDeployment({ name: "made by Node", projectId, online, asset: { id: settings.model } });
  const deploymentId = created.result.metadata.id;
  let found;
  do {
    await new Promise((resolve) => setTimeout(resolve, 100));
    found = (await client.getDeployment({ deploymentId, projectId })).result;
  } while (["initializing", "updating"].includes(found.entity.status.state));
  const listed = await client.listDeployments({ projectId, servingName: "made_by_node" });
  const answered = await client.deploymentGenerateText({ idOrName: "made_by_node", input, parameters });
  const deleted = await client.deleteDeployment({ deploymentId, projectId });
  return {
    created: created.status,
    state: found.entity.status.state,
    listed: listed.result.resources.map(({ metadata }) => metadata.id),
    id: deploymentId,
    text: answered.result.results[0].generated_text,
    deleted: deleted.status,
  };
}

const text = (response) => response.result.results[0].generated_text;
const said = (response) => response.result.choices[0].message.content;

console.log(JSON.stringify({
  generation: {
    model: text(await client.generateText({ modelId, projectId, input, parameters })),
    stream: await streamed(client.generateTextStream({ modelId, projectId, input, parameters, returnObject: true })),
    by_id: text(await client.deploymentGenerateText({ idOrName: deployment, input, parameters })),
    by_name: text(await client.deploymentGenerateText({ idOrName: servingName, input, parameters })),
    by_id_stream: await streamed(client.deploymentGenerateTextStream({ idOrName: deployment, input, parameters, returnObject: true })),
  },
  chat: {
    model: said(await client.textChat({ modelId, projectId, messages, ...sampling })),
    stream: await streamed(client.textChatStream({ modelId, projectId, messages, ...sampling, returnObject: true })),
    deployment: said(await client.deploymentsTextChat({ idOrName: deployment, messages, ...sampling })),
  },
  tokens: (await client.tokenizeText({ modelId, projectId, input })).result.result,
  specs: (await client.listFoundationModelSpecs({ limit: 200 })).result.resources.map(({ model_id: id }) => id),
  tasks: (await client.listFoundationModelTasks()).result.resources.map(({ task_id: id }) => id),
  training: await trained(),
  deployment: await deployed(),
  unknown_model: await refused(client.generateText({ modelId: "nobody/no-model", projectId, input, parameters })),
  unknown_training: await refused(client.getTraining({ trainingId: "00000000-0000-4000-8000-000000000000", projectId })),
}));

// OpenAI's Node SDK: files, a fine-tuning job from its creation to its answers, and one that is cancelled.

import OpenAI, { toFile } from "openai";

const settings = JSON.parse(process.argv[2]);
const client = new OpenAI({ baseURL: settings.url, apiKey: "any", maxRetries: 0 });
const jobs = client.fineTuning.jobs;
const ENDED = ["succeeded", "failed", "cancelled"];

async function upload(text) {
  return client.files.create({ file: await toFile(Buffer.from(text), "rows.jsonl"), purpose: "fine-tune" });
}

async function create(file, epochs) {
  return jobs.create({
    model: settings.model,
    training_file: file,
    method: { type: "supervised", supervised: { hyperparameters: { n_epochs: epochs } } },
  });
}

async function until(id, states) {
  for (;;) {
    const job = await jobs.retrieve(id);
    if (states.includes(job.status)) return job;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function all(pages) {
  const found = [];
  for await (const one of pages) found.push(one);
  return found;
}

async function status(request) {
  try {
    await request;
  } catch (error) {
    return error.status;
  }
  return null;
}

const file = await upload(settings.rows);
const created = await create(file.id, 1);
const done = await until(created.id, ENDED);
const events = await all(jobs.listEvents(done.id));
const checkpoints = await all(jobs.checkpoints.list(done.id));
const chat = await client.chat.completions.create({
  model: done.fine_tuned_model,
  messages: [{ role: "user", content: settings.text }],
  max_tokens: 4,
});

const long = await create((await upload(settings.rows.repeat(4))).id, 50);
await until(long.id, ["running"]);
const paused = await jobs.pause(long.id);
const held = await until(long.id, ["paused"]);
await jobs.resume(long.id);
await until(long.id, ["running"]);
await jobs.cancel(long.id);
const cancelled = await until(long.id, ENDED);

const listed = (await all(client.files.list())).map((one) => one.id);
const content = await (await client.files.content(file.id)).text();
const deleted = await client.files.delete(file.id);

console.log(
  JSON.stringify({
    created: created.status,
    status: done.status,
    model: done.fine_tuned_model,
    events: events.map((event) => event.message),
    checkpoints: checkpoints.map((one) => one.step_number),
    jobs: (await all(jobs.list())).map((job) => job.id).includes(done.id),
    answer: chat.choices[0].message.content,
    paused: [paused.object, held.status],
    cancelled: cancelled.status,
    listed: listed.includes(file.id),
    content: content === settings.rows,
    deleted: deleted.deleted,
    gone: await status(client.files.retrieve(file.id)),
    refused: await status(create("file-unknown", 1)),
  }),
);

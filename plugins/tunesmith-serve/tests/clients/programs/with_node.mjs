// Asks a server with OpenAI's Node SDK: each endpoint, whole and streamed.

import OpenAI from "openai";

const [url, text] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "any", maxRetries: 0 });
const chat = { model: "grooming", messages: [{ role: "user", content: text }], max_tokens: 8 };
const plain = { model: "grooming", prompt: text, max_tokens: 8 };
const question = {
  type: "choice",
  instructions: "Satisfied?",
  choices: [{ value: "0" }, { value: "1" }],
};

async function joined(stream, piece) {
  const texts = [];
  for await (const chunk of await stream) texts.push(piece(chunk.choices[0]) ?? "");
  return texts.join("");
}

async function refused(request) {
  try {
    await request;
  } catch (error) {
    return { status: error.status, param: error.param };
  }
  return null;
}

const models = [];
for await (const model of client.models.list()) models.push(model.id);
const whole = await client.chat.completions.create({ ...chat, logprobs: true });
const functions = [{ name: "f" }]; // the form before "tools"
const decision = await client.decisions.create({ model: "grooming", input: text, questions: [question] });

console.log(
  JSON.stringify({
    models,
    label: decision.answers[0].choice,
    whole: whole.choices[0].message.content,
    logprob: whole.choices[0].logprobs.content[0].logprob,
    streamed: await joined(
      client.chat.completions.create({ ...chat, stream: true }),
      (choice) => choice.delta.content,
    ),
    completed: (await client.completions.create(plain)).choices[0].text,
    "completed stream": await joined(
      client.completions.create({ ...plain, stream: true }),
      (choice) => choice.text,
    ),
    refused: await refused(client.chat.completions.create({ ...chat, functions })),
    unknown: await refused(client.chat.completions.create({ ...chat, model: "nobody" })),
  }),
);

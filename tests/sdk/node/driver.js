// OpenAI's client at the end of a pipe, for the grid (`../grid`): one request a line in, one line out with what the client made of it.

import { createInterface } from "node:readline";

import OpenAI from "openai";

let headers = {};

const client = new OpenAI({
  baseURL: process.env.TOLLGATE_URL,
  apiKey: process.env.TOLLGATE_KEY,
  maxRetries: 0,
  defaultHeaders: { "x-tollgate-debug": "1" },
  fetch: async (...request) => {
    const response = await fetch(...request);
    headers = Object.fromEntries(response.headers);
    return response;
  },
});

const chatText = (chunk) => chunk.choices[0]?.delta.content;
const responseText = (event) => (event.type === "response.output_text.delta" ? event.delta : undefined);
const completionText = (chunk) => chunk.choices[0]?.text;

const apis = {
  chat: {
    send: (request) => client.chat.completions.create(request),
    async stream(request) {
      const stream = client.chat.completions.stream({ ...request, stream_options: { include_usage: true } });
      const pieces = [];
      let thinking = "";
      for await (const chunk of stream) {
        if (chatText(chunk)) pieces.push(chatText(chunk));
        thinking += chunk.choices[0]?.delta.reasoning_content ?? "";
      }
      return { final: await stream.finalChatCompletion(), pieces, thinking };
    },
    abandon: (request) => abandon(client.chat.completions, request, chatText),
  },
  responses: {
    send: (request) => client.responses.create(request),
    async stream(request) {
      const stream = client.responses.stream(request);
      const pieces = [];
      for await (const event of stream) if (responseText(event)) pieces.push(responseText(event));
      return { final: await stream.finalResponse(), pieces };
    },
    abandon: (request) => abandon(client.responses, request, responseText),
  },
  completions: {
    send: (request) => client.completions.create(request),
    async stream(request) {
      const stream = await client.completions.create({ ...request, stream: true, stream_options: { include_usage: true } });
      const result = { pieces: [], ending: null, usage: null };
      for await (const chunk of stream) {
        if (completionText(chunk)) result.pieces.push(completionText(chunk));
        result.ending = chunk.choices[0]?.finish_reason ?? result.ending;
        result.usage = chunk.usage ?? result.usage;
      }
      return result;
    },
    abandon: (request) => abandon(client.completions, request, completionText),
  },
};

async function abandon(api, request, text) {
  // To leave the loop is to abort the request.
  for await (const event of await api.create({ ...request, stream: true })) if (text(event)) break;
  return null;
}

function describe(error) {
  const kinds = [];
  for (let kind = error.constructor; kind?.name; kind = Object.getPrototypeOf(kind)) kinds.push(kind.name);
  return { kinds, status: error.status, message: error.message };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { api, verb, request } = JSON.parse(line);
  let said;
  try {
    said = { result: await apis[api][verb](request) };
  } catch (error) {
    said = { error: describe(error) };
  }
  process.stdout.write(`${JSON.stringify({ ...said, headers })}\n`);
}

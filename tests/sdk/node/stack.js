// A client of the running stack, and the models that every test runs against.

import OpenAI from "openai";

export const client = new OpenAI({
  baseURL: process.env.TOLLGATE_URL,
  apiKey: process.env.TOLLGATE_KEY,
  maxRetries: 0,
});

export const models = { "openai format": "gpt-4o", "anthropic format": "claude" };

export const user = (content) => [{ role: "user", content }];

export async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

import { client } from "./stack.js";

test("embeddings in both encodings", async () => {
  const request = { model: "embed-small", input: ["one", "two"] };
  const decoded = await client.embeddings.create(request); // asks for base64 by itself
  const plain = await client.embeddings.create({ ...request, encoding_format: "float" });
  assert.deepEqual([...decoded.data[1].embedding], plain.data[1].embedding);
  assert.equal(plain.usage.prompt_tokens, 2);
});

test("models", async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.ok(["gpt-4o", "claude", "embed-small"].every((name) => names.includes(name)));
  assert.equal((await client.models.retrieve("gpt-4o")).id, "gpt-4o");
  await assert.rejects(client.models.retrieve("no-such-model"), OpenAI.NotFoundError);
});

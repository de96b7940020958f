import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

import { client, models, user } from "./stack.js";

const ask = (model, text = "hello", by = client) =>
  by.chat.completions.create({ model, messages: user(text) });

test("a wrong key and a revoked one", async () => {
  for (const [apiKey, code] of [
    ["sk-wrong", "invalid_api_key"],
    [process.env.TOLLGATE_REVOKED_KEY, "revoked_api_key"],
  ]) {
    const by = client.withOptions({ apiKey });
    await assert.rejects(ask("gpt-4o", "x", by), (error) => error instanceof OpenAI.AuthenticationError && error.code === code);
  }
});

test("a model that is not allowed, one that is not there, one that is not named", async () => {
  const limited = client.withOptions({ apiKey: process.env.TOLLGATE_LIMITED_KEY });
  await assert.rejects(ask("claude", "x", limited), OpenAI.PermissionDeniedError);
  await assert.rejects(ask("no-such-model"), (error) => error instanceof OpenAI.NotFoundError && error.code === "model_not_found");
  await assert.rejects(ask(""), OpenAI.BadRequestError);
});

for (const [format, model] of Object.entries(models)) {
  test(`${format}: errors of the provider`, async () => {
    for (const [status, type] of [
      [400, OpenAI.BadRequestError],
      [429, OpenAI.RateLimitError],
      [500, OpenAI.InternalServerError],
      [503, OpenAI.InternalServerError],
    ]) {
      await assert.rejects(
        ask(model, `<mock>{"status": ${status}}</mock>`),
        (error) => error instanceof type && error.status === status && error.message.length > 0,
      );
    }
  });
}

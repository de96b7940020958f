import assert from "node:assert/strict";
import { test } from "node:test";

import { client, collect, models, user } from "./stack.js";

const pixel =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

for (const [format, model] of Object.entries(models)) {
  test(`${format}: whole`, async () => {
    const completion = await client.chat.completions.create({ model, messages: user("hello") });
    assert.equal(completion.choices[0].message.content, "You said: hello");
    assert.equal(completion.choices[0].finish_reason, "stop");
    const { prompt_tokens, completion_tokens, total_tokens } = completion.usage;
    assert.equal(total_tokens, prompt_tokens + completion_tokens);
  });

  test(`${format}: streamed, without usage and with it`, async () => {
    const request = { model, messages: user("hello there"), stream: true };
    const plain = await collect(await client.chat.completions.create(request));
    assert.equal(plain.map((chunk) => chunk.choices[0].delta.content ?? "").join(""), "You said: hello there");
    assert.ok(plain.every((chunk) => !chunk.usage));

    const stream_options = { include_usage: true };
    const counted = await collect(await client.chat.completions.create({ ...request, stream_options }));
    assert.deepEqual(counted.at(-1).choices, []);
    assert.ok(counted.at(-1).usage.total_tokens > 0);
  });

  test(`${format}: the stream helper accumulates`, async () => {
    const stream = client.chat.completions.stream({ model, messages: user("hello") });
    assert.equal(await stream.finalContent(), "You said: hello");
  });

  test(`${format}: structured output and images`, async () => {
    const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"], additionalProperties: false };
    const response_format = { type: "json_schema", json_schema: { name: "answer", strict: true, schema } };
    const structured = await client.chat.completions.create({ model, messages: user("x"), response_format });
    assert.deepEqual(JSON.parse(structured.choices[0].message.content), { n: 1 });

    const image = { type: "image_url", image_url: { url: `data:image/png;base64,${pixel}` } };
    const messages = user([{ type: "text", text: "look" }, image]);
    const seen = await client.chat.completions.create({ model, messages });
    assert.equal(seen.choices[0].message.content, "You said: look [image/png]");
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";

import { client, models, user } from "./stack.js";

const tool = (name) => ({
  type: "function",
  function: {
    name,
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
});
const tools = [tool("weather"), tool("clock")];
const messages = user('call weather {"city":"Oslo"} and call clock {"city":"Rome"}');
const read = (message) => message.tool_calls.map(({ function: call }) => [call.name, JSON.parse(call.arguments)]);
const expected = [
  ["weather", { city: "Oslo" }],
  ["clock", { city: "Rome" }],
];

for (const [format, model] of Object.entries(models)) {
  test(`${format}: two turns with parallel calls`, async () => {
    const first = await client.chat.completions.create({ model, messages, tools });
    const { message, finish_reason } = first.choices[0];
    assert.equal(finish_reason, "tool_calls");
    assert.deepEqual(read(message), expected);
    const results = message.tool_calls.map(({ id }, index) => ({
      role: "tool",
      tool_call_id: id,
      content: ["rain", "noon"][index],
    }));
    const second = await client.chat.completions.create({ model, messages: [...messages, message, ...results], tools });
    assert.equal(second.choices[0].message.content, "Results: rain; noon");
  });

  test(`${format}: streamed calls`, async () => {
    const stream = client.chat.completions.stream({ model, messages, tools });
    const final = await stream.finalChatCompletion();
    assert.deepEqual(read(final.choices[0].message), expected);
    assert.equal(final.choices[0].finish_reason, "tool_calls");
  });
}

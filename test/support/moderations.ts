import { createHash } from 'node:crypto';

/** The result that belongs to a text: the same one in every batch, in a spelling that no JSON library would give it. */
export function moderationResult(model: string, text: string): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([model, text]))
    .digest();
  const score = `${digest.readUInt32LE() / 2 ** 32}`;
  const category = `"violence" : ${digest.readUInt8() > 127}`;
  return `{ "flagged":${digest.readUInt8() > 127},\n "categories":{${category}}, "category_scores":{"violence":${score}00}}`;
}

let answers = 0;

/** What OpenAI's API answers to this request: each time with another id. */
export function moderationAnswer(asked: Readonly<Record<string, unknown>>): string {
  answers += 1;
  const model = asked.model === undefined ? 'omni-moderation-latest' : String(asked.model);
  // A list of texts is many inputs; one text, or texts and pictures together, are one.
  const list = Array.isArray(asked.input) ? asked.input : [asked.input];
  const inputs = list.every((item) => typeof item === 'string') ? list : [JSON.stringify(list)];
  const results = inputs.map((text) => moderationResult(model, text));
  return `{"id":"modr-${answers}","model":"${model}-2024-09-26","results":[${results.join(', ')}]}`;
}

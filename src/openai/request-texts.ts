import type { Node, ObjectNode } from './json.ts';

/** The pieces of text that a request puts before a model: every text in what it asks about, at any depth, but for files. */
export function promptTexts(root: ObjectNode): string[] {
  const texts: string[] = [];
  for (const { key, value } of root.members) if (PROMPTS.has(key)) collect(value, texts);
  return texts;
}

/** Every text that is a value in this JSON, at any depth. */
export function textsIn(root: Node): string[] {
  const texts: string[] = [];
  collect(root, texts);
  return texts;
}

// Of all the APIs: what is asked about, not how.
const PROMPTS: ReadonlySet<string> = new Set([
  'messages',
  'prompt',
  'suffix',
  'input',
  'instructions',
  'query',
  'documents',
]);

// The beginning of a `data:` URL (RFC 2397) as files are sent in: many a prompt begins with the word alone.
const FILE = /^data:[^\s,]*;base64,/;

function collect(node: Node, into: string[]): void {
  switch (node.kind) {
    case 'string':
      if (!FILE.test(node.value)) into.push(node.value);
      break;
    case 'array':
      for (const item of node.items) collect(item, into);
      break;
    case 'object':
      for (const { value } of node.members) collect(value, into);
      break;
  }
}

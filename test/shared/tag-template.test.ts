import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseTagTemplate } from '../../src/shared/tag-template.ts';

test('names in braces are filled, everything else stays', () => {
  const template = parseTagTemplate('a{id}:{1}{_x}b');
  assert.deepEqual(template?.names, ['id', '1', '_x']);
  assert.equal(
    template?.fill((name) => `<${name}>`),
    'a<id>:<1><_x>b',
  );
  assert.equal(
    parseTagTemplate('shop')?.fill(() => undefined),
    'shop',
  );
});

test('without a value for one of the names there is no tag', () => {
  const template = parseTagTemplate('{a}{b}');
  assert.equal(
    template?.fill((name) => (name === 'a' ? 'A' : undefined)),
    undefined,
  );
});

test('a value is taken as it is, whatever it looks like', () => {
  assert.equal(
    parseTagTemplate('p:{a}')?.fill(() => '{b}$&$1'),
    'p:{b}$&$1',
  );
});

test('what is no template is refused', () => {
  for (const text of [
    '',
    '{',
    '}',
    '{}',
    '{a',
    'a}',
    '{{a}}',
    '{a b}',
    '{1a}',
    '{123}',
    'a\nb',
    'x'.repeat(257),
  ]) {
    assert.equal(parseTagTemplate(text), undefined, text);
  }
});

test('any text at all is read in one way or refused', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('{', '}', 'a', '1', ':', '_', ' ') }), (text) => {
      const template = parseTagTemplate(text);
      if (template !== undefined)
        assert.equal(
          template.fill((name) => `{${name}}`),
          text,
        );
    }),
  );
});

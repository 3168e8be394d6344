import { JSONPathEnvironment, type JSONPathQuery, jsonpath } from 'json-p3';
import { itemsOf, member, type Node } from './json.ts';
import { isEqual, isLess, lengthOf, numberNode, type Unplaced, unplaced } from './json-compare.ts';

/** What {@link parseJsonPath} takes, in words for a message. */
export const JSON_PATH_EXPECTED =
  'a JSONPath (RFC 9535) of at most 512 characters without match() and search(), such as "$.hits[*].id"';

/** A JSONPath query over JSON from outside: what it takes is bounded, and numbers keep their digits. */
export interface JsonPath {
  /** Whether it selects one place (RFC 9535 §2.3.5.1), which is there or not, rather than any number of them. */
  readonly isSingular: boolean;
  /** The nodes it selects, in its order, repeats too; undefined if more than {@link MAX_STEPS} would be looked at for them. */
  select(root: Node): readonly Node[] | undefined;
}

/** How many nodes a query looks at; about a tenth of a second. A filter that looks again counts again. */
export const MAX_STEPS = 5_000_000;

/** Reads a JSONPath; undefined for what is none. The functions that match regular expressions are left out: theirs backtrack. */
export function parseJsonPath(text: string): JsonPath | undefined {
  const query = text.length > MAX_LENGTH ? undefined : parsed(text);
  if (query === undefined) return undefined;
  const steps = walkOf(query);
  return {
    isSingular: query.singularQuery(),
    select(root) {
      try {
        return steps(root, new Run(root));
      } catch (thrown) {
        if (thrown instanceof Exhausted) return undefined;
        throw thrown;
      }
    },
  };
}

const MAX_LENGTH = 512;

const ENVIRONMENT = new JSONPathEnvironment();
for (const name of ['match', 'search']) ENVIRONMENT.functionRegister.delete(name);

function parsed(text: string): JSONPathQuery | undefined {
  try {
    return ENVIRONMENT.compile(text);
  } catch {
    return undefined;
  }
}

class Exhausted extends Error {}

/** One evaluation: the document, and how much may still be looked at. */
class Run {
  readonly root: Node;
  #left = MAX_STEPS;

  constructor(root: Node) {
    this.root = root;
  }

  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new Exhausted();
  }
}

/** Selects from a node; what it finds is put into the list. */
type Select = (from: Node, run: Run, found: Node[]) => void;

type Walk = (from: Node, run: Run) => readonly Node[];

type Selector = JSONPathQuery['segments'][number]['selectors'][number];

type Expression = InstanceType<typeof jsonpath.selectors.FilterSelector>['expression']['expression'];

function walkOf(query: JSONPathQuery): Walk {
  const segments = query.segments.map((segment) => {
    const selectors = segment.selectors.map(selectOf);
    const select: Select = (from, run, found) => {
      for (const one of selectors) one(from, run, found);
    };
    return segment.toString().startsWith('..') ? descending(select) : select;
  });
  return (from, run) => {
    let nodes: Node[] = [from];
    for (const select of segments) {
      const found: Node[] = [];
      for (const node of nodes) select(node, run, found);
      nodes = found;
    }
    return nodes;
  };
}

/** Selects from the node and from all below it. JSON is no deeper than it can be read (`MAX_DEPTH`). */
function descending(select: Select): Select {
  const descend: Select = (from, run, found) => {
    select(from, run, found);
    for (const child of childrenOf(from, run)) descend(child, run, found);
  };
  return descend;
}

function childrenOf(node: Node, run: Run): readonly Node[] {
  const children = node.kind === 'object' ? node.members.map(({ value }) => value) : itemsOf(node);
  run.spend(children.length + 1);
  return children;
}

function selectOf(selector: Selector): Select {
  const { NameSelector, IndexSelector, SliceSelector, WildcardSelector, FilterSelector } = jsonpath.selectors;
  if (selector instanceof NameSelector) {
    return (from, run, found) => {
      if (from.kind !== 'object') return;
      run.spend(from.members.length);
      const value = member(from, selector.name);
      if (value !== undefined) found.push(value);
    };
  }
  if (selector instanceof IndexSelector) {
    return (from, run, found) => {
      run.spend(1);
      const item = itemsOf(from).at(selector.index);
      if (item !== undefined) found.push(item);
    };
  }
  if (selector instanceof SliceSelector) {
    return (from, run, found) => {
      for (const item of sliced(itemsOf(from), selector)) {
        run.spend(1);
        found.push(item);
      }
    };
  }
  if (selector instanceof WildcardSelector) {
    return (from, run, found) => {
      for (const child of childrenOf(from, run)) found.push(child);
    };
  }
  if (selector instanceof FilterSelector) {
    const holds = testOf(selector.expression);
    return (from, run, found) => {
      for (const child of childrenOf(from, run)) if (holds(child, run)) found.push(child);
    };
  }
  throw new TypeError(`${selector} is no selector of RFC 9535`);
}

/** RFC 9535 §2.3.4.2.2. */
function* sliced(
  items: readonly Node[],
  { start, stop, step = 1 }: InstanceType<typeof jsonpath.selectors.SliceSelector>,
): Generator<Node> {
  if (step === 0) return;
  const { length } = items;
  const [least, most] = step > 0 ? [0, length] : [-1, length - 1];
  const within = (at: number) => Math.min(Math.max(at < 0 ? length + at : at, least), most);
  const from = within(start ?? (step > 0 ? 0 : length - 1));
  const to = stop === undefined ? (step > 0 ? length : -1) : within(stop);
  for (let at = from; step > 0 ? at < to : at > to; at += step) {
    const item = items[at];
    if (item !== undefined) yield item;
  }
}

type Test = (current: Node, run: Run) => boolean;

/** A value to compare; undefined is RFC 9535's Nothing. */
type Operand = (current: Node, run: Run) => Node | undefined;

function testOf(expression: Expression): Test {
  const { LogicalExpression, PrefixExpression, InfixExpression, FilterQuery } = jsonpath.expressions;
  if (expression instanceof LogicalExpression) return testOf(expression.expression);
  if (expression instanceof PrefixExpression) {
    const holds = testOf(expression.right);
    return (current, run) => !holds(current, run);
  }
  if (expression instanceof FilterQuery) {
    const nodes = nodesOf(expression);
    return (current, run) => nodes(current, run).length > 0;
  }
  if (!(expression instanceof InfixExpression)) throw new TypeError(`${expression} is no test of RFC 9535`);
  const { operator } = expression;
  if (operator === '&&' || operator === '||') {
    const [left, right] = [testOf(expression.left), testOf(expression.right)];
    return operator === '&&'
      ? (current, run) => left(current, run) && right(current, run)
      : (current, run) => left(current, run) || right(current, run);
  }
  const compares = comparisonOf(operator);
  const [left, right] = [operandOf(expression.left), operandOf(expression.right)];
  return (current, run) => compares(left(current, run), right(current, run), run);
}

function nodesOf(query: InstanceType<typeof jsonpath.expressions.FilterQuery>): Walk {
  const walk = walkOf(query.path);
  const isAbsolute = query instanceof jsonpath.expressions.RootQuery;
  return (current, run) => {
    run.spend(1);
    return walk(isAbsolute ? run.root : current, run);
  };
}

type Comparison = (left: Node | undefined, right: Node | undefined, run: Run) => boolean;

function comparisonOf(operator: string): Comparison {
  const equal: Comparison = (left, right, run) => {
    if (left === undefined || right === undefined) return left === right;
    // As much text as is compared at most.
    run.spend(1 + Math.min(left.end - left.start, right.end - right.start));
    return isEqual(left, right);
  };
  const less: Comparison = (left, right) => left !== undefined && right !== undefined && isLess(left, right);
  switch (operator) {
    case '==':
      return equal;
    case '!=':
      return (left, right, run) => !equal(left, right, run);
    case '<':
      return less;
    case '>':
      return (left, right, run) => less(right, left, run);
    case '<=':
      return (left, right, run) => less(left, right, run) || equal(left, right, run);
    case '>=':
      return (left, right, run) => less(right, left, run) || equal(left, right, run);
    default:
      throw new TypeError(`${operator} is no comparison of RFC 9535`);
  }
}

function operandOf(expression: Expression): Operand {
  const { StringLiteral, NumberLiteral, BooleanLiteral, NullLiteral } = jsonpath.expressions;
  const { FilterQuery, FunctionExtension } = jsonpath.expressions;
  if (expression instanceof FilterQuery) {
    const nodes = nodesOf(expression);
    return (current, run) => nodes(current, run)[0];
  }
  if (expression instanceof FunctionExtension) return functionOf(expression);
  if (expression instanceof StringLiteral) return always({ kind: 'string', value: expression.value });
  // As it is written in the query, with all its digits.
  if (expression instanceof NumberLiteral) return always({ kind: 'number', raw: expression.token.value });
  if (expression instanceof BooleanLiteral) return always({ kind: 'literal', value: expression.value });
  if (expression instanceof NullLiteral) return always({ kind: 'literal', value: null });
  throw new TypeError(`${expression} is no value of RFC 9535`);
}

function always(value: Unplaced): Operand {
  const node = unplaced(value);
  return () => node;
}

/** The functions of RFC 9535 §2.4 that give a value. */
function functionOf({ name, args }: InstanceType<typeof jsonpath.expressions.FunctionExtension>): Operand {
  const [argument] = args;
  if (argument === undefined) throw new TypeError(`${name}() needs an argument`);
  if (name === 'length') {
    const operand = operandOf(argument);
    return (current, run) => {
      const node = operand(current, run);
      run.spend(node === undefined ? 0 : node.end - node.start);
      const length = lengthOf(node);
      return length === undefined ? undefined : numberNode(length);
    };
  }
  if (!(argument instanceof jsonpath.expressions.FilterQuery)) throw new TypeError(`${name}() needs a query`);
  const nodes = nodesOf(argument);
  if (name === 'count') return (current, run) => numberNode(nodes(current, run).length);
  if (name !== 'value') throw new TypeError(`${name}() is no function of RFC 9535 that is taken`);
  return (current, run) => {
    const found = nodes(current, run);
    return found.length === 1 ? found[0] : undefined;
  };
}

import type { Member, Node, ObjectNode } from './json.ts';

/** The characters from `start` up to `end` (offsets into the text before any edit) become `text`. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The member at the end of `path` gets the JSON text `json` for its value, or is removed if that is undefined. */
export interface Change {
  readonly path: readonly string[];
  readonly json: string | undefined;
}

/** The text with its edits made and everything else as it was. Edits may come in any order but must not overlap. */
export function splice(text: string, edits: readonly Edit[]): string {
  const inOrder = [...edits].sort((a, b) => a.start - b.start || a.end - b.end);
  let spliced = '';
  let at = 0;
  for (const edit of inOrder) {
    if (edit.start < at)
      throw new RangeError(`edit at ${edit.start} overlaps the one before, which ends at ${at}`);
    spliced += text.slice(at, edit.start) + edit.text;
    at = edit.end;
  }
  return spliced + text.slice(at);
}

/**
 * The text with members of its root object set or removed, in one go. Objects on the way to a member that is set are made
 * where there are none (a `null` or any other value in their place is replaced); nothing is made for one that is removed.
 * Of two changes of one member the later counts.
 */
export function changeMembers(text: string, root: ObjectNode, changes: readonly Change[]): string {
  return splice(text, editsOf(root, patchOf(changes)));
}

/** The text with one member set: see {@link changeMembers}. */
export function setMember(text: string, root: ObjectNode, path: readonly string[], json: string): string {
  return changeMembers(text, root, [{ path, json }]);
}

/** The text without one member: see {@link changeMembers}. */
export function removeMember(text: string, root: ObjectNode, path: readonly string[]): string {
  return changeMembers(text, root, [{ path, json: undefined }]);
}

/** The text with one value, wherever it stands, replaced. */
export function replaceValue(text: string, { start, end }: Node, json: string): string {
  return splice(text, [{ start, end, text: json }]);
}

/** What is to become of the members of an object: a JSON text, nothing (removed), or changes within. */
type Patch = Map<string, Patch | string | undefined>;

function patchOf(changes: readonly Change[]): Patch {
  const root: Patch = new Map();
  for (const { path, json } of changes) {
    const name = path.at(-1);
    if (name === undefined) throw new RangeError('a change needs the path of a member');
    let patch = root;
    for (const step of path.slice(0, -1)) {
      const known = patch.get(step);
      const inner: Patch = known instanceof Map ? known : new Map();
      patch.set(step, inner);
      patch = inner;
    }
    patch.set(name, json);
  }
  return root;
}

function editsOf(object: ObjectNode, patch: Patch): Edit[] {
  const { members } = object;
  const edits: Edit[] = [];
  const kept: boolean[] = [];
  for (const { key, value } of members) {
    const change = patch.get(key);
    kept.push(!patch.has(key) || change !== undefined);
    if (change instanceof Map && value.kind === 'object') {
      edits.push(...editsOf(value, change));
    } else {
      const text = written(change);
      if (text !== undefined) edits.push({ start: value.start, end: value.end, text });
    }
  }
  edits.push(...removals(members, kept));
  const known = new Set(members.map(({ key }) => key));
  const added = writtenMembers(patch, known);
  // Put first, where no removal can take away the comma it needs.
  const comma = added !== '' && kept.includes(true) ? ',' : '';
  edits.push({ start: object.start + 1, end: object.start + 1, text: added + comma });
  return edits;
}

/** Cuts the members that are not kept, each with the comma that follows it; the last ones with the comma before. */
function removals(members: readonly Member[], kept: readonly boolean[]): Edit[] {
  const edits: Edit[] = [];
  const lastKept = kept.lastIndexOf(true);
  members.forEach((member, index) => {
    if (kept[index]) return;
    const next = members[index + 1];
    const before = index > 0 && index === lastKept + 1 ? members[index - 1]?.value.end : undefined;
    const end = next === undefined ? member.value.end : next.name.start;
    edits.push({ start: before ?? member.name.start, end, text: '' });
  });
  return edits;
}

/** The JSON text of what a change sets; undefined if it sets nothing. */
function written(change: Patch | string | undefined): string | undefined {
  if (!(change instanceof Map)) return change;
  const members = writtenMembers(change, new Set());
  return members === '' ? undefined : `{${members}}`;
}

function writtenMembers(patch: Patch, except: ReadonlySet<string>): string {
  const members: string[] = [];
  for (const [name, change] of patch) {
    const text = except.has(name) ? undefined : written(change);
    if (text !== undefined) members.push(`${JSON.stringify(name)}:${text}`);
  }
  return members.join(',');
}

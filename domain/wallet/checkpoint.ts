/** The text of a checkpoint of the ledger's log (C2SP tlog-checkpoint) and of the signed note around it (C2SP signed-note). */
import { fail, succeed, type Result } from '../failures.ts';

export type Checkpoint = {
  /** Names the log; also the name of its key. */
  readonly origin: string;
  readonly size: number;
  /** Root of the tree of `size` leaves, base64. */
  readonly root: string;
};

export type NoteSignature = {
  readonly name: string;
  /** Key id (4 bytes) and signature, base64. */
  readonly value: string;
};

export type SignedNote = { readonly text: string; readonly signatures: readonly NoteSignature[] };

/** What is signed: three lines, each ended. */
export const checkpointText = ({ origin, size, root }: Checkpoint): string => `${origin}\n${size}\n${root}\n`;

const signatureLine = ({ name, value }: NoteSignature): string => `\u2014 ${name} ${value}\n`;

/** A note as it is stored and served: the text, an empty line, one line for each signature. */
export const noteText = ({ text, signatures }: SignedNote): string =>
  `${text}\n${signatures.map(signatureLine).join('')}`;

const signatureForm = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/;

/** Reads a signed note; refuses anything that another reader could read differently. */
export function parseNote(note: string): Result<SignedNote> {
  const end = note.lastIndexOf('\n\n');
  const malformed = fail('invalid-request', 'The text is not a signed note.');
  if (end < 0 || !note.endsWith('\n')) return malformed;
  const signatures = note
    .slice(end + 2, -1)
    .split('\n')
    .map((line) => signatureForm.exec(line));
  const known: NoteSignature[] = [];
  for (const match of signatures) {
    const [, name, value] = match ?? [];
    if (name === undefined || value === undefined) return malformed;
    known.push({ name, value });
  }
  return succeed({ text: note.slice(0, end + 1), signatures: known });
}

const checkpointForm = /^([^\s+]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n$/;

/** Reads the text of a checkpoint. */
export function parseCheckpoint(text: string): Result<Checkpoint> {
  const [, origin, size, root] = checkpointForm.exec(text) ?? [];
  if (origin === undefined || size === undefined || root === undefined) {
    return fail('invalid-request', 'The text is not a checkpoint.');
  }
  return succeed({ origin, size: Number(size), root });
}

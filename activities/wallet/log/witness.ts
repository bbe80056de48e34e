/** Has checkpoints co-signed by a witness (C2SP tlog-witness), which signs only what continues all that it saw before. */
import { verify } from 'node:crypto';
import type { Database } from '#db/connect.ts';
import { noteText, parseNote } from '#domain/wallet/checkpoint.ts';
import { consistencyRanges } from '#domain/wallet/merkle.ts';
import { parseVkey } from './signed-note.ts';
import { hashesOfRanges } from './tiles.ts';

export type Witness = {
  /** Where `/add-checkpoint` is. */
  readonly url: string;
  /** Verifier key of its cosignatures, `name+id+key`. */
  readonly key: string;
};

/** The witness has refused: its answer says why, and a 422 means that it saw another history. */
export class WitnessRefusal extends Error {
  constructor(status: number, text: string) {
    super(`The witness answered ${status}: ${text.trim().slice(0, 200)}`);
    this.name = 'WitnessRefusal';
  }
}

const timeoutMs = 10_000;

/**
 * Sends the latest checkpoint when the witness has not signed it yet and stores its line. True when a line was added.
 * Throws WitnessRefusal, or the error of a connection that failed.
 */
export async function askWitness(db: Database, witness: Witness): Promise<boolean> {
  const name = witness.key.split('+')[0] ?? '';
  const latest = await db
    .selectFrom('wallet.logCheckpoint')
    .select(['size', 'note'])
    .orderBy('size', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (latest === undefined) return false;
  const seen = await db
    .selectFrom('wallet.logCosignature')
    .select('size')
    .where('witness', '=', name)
    .orderBy('size', 'desc')
    .limit(1)
    .executeTakeFirst();
  if (seen?.size === latest.size) return false;
  const size = Number(latest.size);
  let answer = await submit(db, witness, { oldSize: Number(seen?.size ?? 0), size, note: latest.note });
  // It tells what it saw last, for example after an answer of its own that was lost.
  const told =
    answer.status === 409 ? Number(/^(\d{1,15})\n?$/.exec(answer.text)?.[1] ?? Number.NaN) : Number.NaN;
  if (told <= size) answer = await submit(db, witness, { oldSize: told, size, note: latest.note });
  if (answer.status !== 200) throw new WitnessRefusal(answer.status, answer.text);
  const line = cosignatureIn(answer.text, latest.note, witness.key);
  if (line === null) throw new WitnessRefusal(200, 'no cosignature that its key has made');
  await db
    .insertInto('wallet.logCosignature')
    .values({ size: latest.size, witness: name, line })
    .onConflict((on) => on.doNothing())
    .execute();
  return true;
}

async function submit(
  db: Database,
  { url }: Witness,
  { oldSize, size, note }: { oldSize: number; size: number; note: string },
): Promise<{ status: number; text: string }> {
  const proof = await hashesOfRanges(db, consistencyRanges(oldSize, size));
  const lines = proof.map((hash) => `${Buffer.from(hash).toString('base64')}\n`).join('');
  const response = await fetch(`${url.replace(/\/$/, '')}/add-checkpoint`, {
    method: 'POST',
    body: `old ${oldSize}\n${lines}\n${note}`,
    redirect: 'error',
    signal: AbortSignal.timeout(timeoutMs),
  });
  return { status: response.status, text: await response.text() };
}

/** The line of the witness, when it is a cosignature of this checkpoint by its key (C2SP tlog-cosignature, v1). */
function cosignatureIn(answer: string, note: string, vkey: string): string | null {
  const [key, checkpoint] = [parseVkey(vkey, 'cosignature'), parseNote(note)];
  if (!key.ok || !checkpoint.ok) return null;
  const { text } = checkpoint.value;
  const lines = parseNote(`${text}\n${answer}`);
  if (!lines.ok) return null;
  const signature = lines.value.signatures.find(({ name, value }) => {
    const bytes = Buffer.from(value, 'base64');
    if (name !== key.value.name || bytes.length !== 76 || !bytes.subarray(0, 4).equals(key.value.id))
      return false;
    const signed = `cosignature/v1\ntime ${bytes.readBigUInt64BE(4)}\n${text}`;
    return verify(null, Buffer.from(signed), key.value.key, bytes.subarray(12));
  });
  return signature === undefined
    ? null
    : noteText({ text, signatures: [signature] })
        .slice(text.length + 1)
        .trimEnd();
}

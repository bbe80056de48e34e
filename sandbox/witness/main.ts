/**
 * A witness of the ledger's log (C2SP tlog-witness): another process with another key and a memory of its own, which
 * co-signs a checkpoint only when it was proven to continue the last one that it saw.
 */
import { randomBytes } from 'node:crypto';
import { portVariable, requiredVariable } from '../support/environment.ts';
import { createLog } from '../support/json-log.ts';
import { createPartyApp, serveParty } from '../support/party-server.ts';
import { openStateStore } from '../support/state-store.ts';
import { isConsistent } from './consistency.ts';
import { createCosigner, isSignedBy, readNote } from './signatures.ts';

const log = createLog('witness');
const store = openStateStore(
  requiredVariable('STATE_DIR'),
  'witness.sqlite',
  `create table if not exists identity (one integer primary key check (one = 1), seed blob not null) strict;
   create table if not exists seen (origin text primary key, size integer not null, root text not null) strict;`,
);
const logKey = requiredVariable('LOG_KEY');
store.run('insert into identity values (1, ?) on conflict do nothing', randomBytes(32));
const seed = store.one<{ seed: Uint8Array }>('select seed from identity')?.seed ?? randomBytes(32);
const cosigner = createCosigner(requiredVariable('WITNESS_NAME'), Buffer.from(seed));

const app = createPartyApp(log);
const bytesMax = 64 * 1024;

app.get('/key', (c) => c.text(`${cosigner.vkey}\n`));

app.post('/add-checkpoint', async (c) => {
  const body = await c.req.text();
  const end = body.indexOf('\n\n');
  const [old = '', ...proofLines] = body.slice(0, Math.max(0, end)).split('\n');
  const oldSize = Number(/^old (0|[1-9]\d{0,14})$/.exec(old)?.[1] ?? Number.NaN);
  const note = readNote(body.slice(end + 2));
  const [origin = '', size = '', root = ''] = note?.text.split('\n') ?? [];
  if (
    body.length > bytesMax ||
    end < 0 ||
    note === null ||
    !Number.isSafeInteger(oldSize) ||
    !/^[1-9]\d{0,14}$/.test(size)
  )
    return c.text('malformed\n', 400);
  if (origin !== logKey.split('+')[0]) return c.text('unknown log\n', 404);
  if (!isSignedBy(note, logKey)) return c.text('not signed by the log\n', 403);
  const newSize = Number(size);
  if (oldSize > newSize) return c.text('older than it says\n', 400);

  // Looked at and remembered in one transaction: two submissions cannot both continue the same checkpoint.
  return store.transaction(() => {
    const seen = store.one<{ size: number; root: string }>(
      'select size, root from seen where origin = ?',
      origin,
    );
    if ((seen?.size ?? 0) !== oldSize) {
      return c.body(`${seen?.size ?? 0}\n`, 409, { 'content-type': 'text/x.tlog.size' });
    }
    const claim = {
      oldSize,
      oldRoot: Buffer.from(seen?.root ?? '', 'base64'),
      newSize,
      newRoot: Buffer.from(root, 'base64'),
      proof: proofLines.map((line) => Buffer.from(line, 'base64')),
    };
    if (!isConsistent(claim)) {
      log('inconsistent', { origin, oldSize, newSize });
      return c.text('not consistent with what was seen\n', 422);
    }
    store.run(
      'insert into seen values (?, ?, ?) on conflict (origin) do update set size = excluded.size, root = excluded.root',
      origin,
      newSize,
      root,
    );
    return c.text(`${cosigner.cosign(note.text, Math.floor(Date.now() / 1_000))}\n`);
  });
});

await serveParty(app, portVariable(), log, () => store.close());

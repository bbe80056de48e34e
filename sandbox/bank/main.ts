/** A bank as a process of its own: takes pain.001 by upload, answers with pain.002, and tells the account in camt.053 and camt.054. */
import { z } from 'zod';
import { createDueWork, type DueWork } from '../support/due-work.ts';
import { portVariable, requiredVariable } from '../support/environment.ts';
import { createLog } from '../support/json-log.ts';
import { createPartyApp, cutConnection, serveParty } from '../support/party-server.ts';
import { openStateStore } from '../support/state-store.ts';
import { bankTables, createBankBook } from './bank-book.ts';
import { bankScenario, incomingOrder } from './bank-orders.schema.ts';

const log = createLog('bank');
const store = openStateStore(requiredVariable('STATE_DIR'), 'bank.sqlite', bankTables);
const apiKey = requiredVariable('API_KEY');

const stored = store.one<{ value: string }>('select value from setting where name = ?', 'scenario');
let scenario = bankScenario.parse(stored === undefined ? {} : JSON.parse(stored.value));

const book = createBankBook({
  store,
  iban: requiredVariable('ACCOUNT_IBAN'),
  scenario: () => scenario,
  due: (): DueWork => due,
});
const due = createDueWork(
  store,
  {
    answer_file: (id) => store.transaction(() => book.answerFile(id)),
    book_payment: (id) => store.transaction(() => book.bookPayment(id)),
    return_payment: (id) => store.transaction(() => book.returnPayment(id)),
  },
  log,
);

const app = createPartyApp(log);
for (const path of ['/files', '/reports', '/reports/*'])
  app.use(path, async (c, next) => {
    if (c.req.header('authorization') !== `Bearer ${apiKey}`) return c.json({ error: 'unauthorized' }, 401);
    if (scenario.upload === 'outage') return c.json({ error: 'unavailable' }, 503);
    return next();
  });

app.post('/files', async (c) => {
  if (scenario.upload === 'drop') return cutConnection(c);
  const taken = book.take(await c.req.text());
  if (taken.kind === 'unreadable') return c.json({ error: 'unreadable', reason: taken.reason }, 400);
  if (taken.kind === 'duplicate') return c.json({ error: 'duplicate', fileId: taken.fileId }, 409);
  if (scenario.upload === 'silence_taken') {
    await new Promise((resolve) => setTimeout(resolve, scenario.timeoutMs));
    return cutConnection(c);
  }
  if (scenario.upload === 'error_500_taken') return c.json({ error: 'internal' }, 500);
  return c.json({ fileId: taken.fileId }, 202);
});

/** Whether a file has arrived, by its message identifier: what a sender asks who did not hear the answer. */
app.get('/files', (c) => {
  const file = book.fileByMessage(c.req.query('messageId') ?? '');
  return file === undefined
    ? c.json({ error: 'not found' }, 404)
    : c.json({ fileId: file.id, sha256: file.sha256, state: file.state });
});

app.get('/reports', (c) => c.json({ reports: book.reports(Number(c.req.query('after') ?? 0)) }));
app.get('/reports/:id', (c) => {
  const xml = book.reportXml(Number(c.req.param('id')));
  return xml === undefined
    ? c.json({ error: 'not found' }, 404)
    : c.body(xml, 200, { 'content-type': 'application/xml' });
});

app.get('/_scenario', (c) => c.json(scenario));
/** Replaces the whole scenario: an empty object is fair weather. */
app.put('/_scenario', async (c) => {
  const parsed = bankScenario.safeParse(await c.req.json());
  if (!parsed.success) return c.json({ error: z.prettifyError(parsed.error) }, 400);
  scenario = parsed.data;
  store.run(
    'insert or replace into setting (name, value) values (?, ?)',
    'scenario',
    JSON.stringify(scenario),
  );
  return c.json(scenario);
});
app.post('/_scenario/incoming', async (c) => {
  const parsed = incomingOrder.safeParse(await c.req.json());
  if (!parsed.success) return c.json({ error: z.prettifyError(parsed.error) }, 400);
  book.receive(parsed.data);
  return c.json({ booked: true }, 201);
});
app.post('/_scenario/close-day', (c) => c.json({ statementId: book.closeDay() }, 201));
app.post('/_scenario/refuse', async (c) => {
  const parsed = z.strictObject({ durationMs: z.int().min(1).max(120_000) }).safeParse(await c.req.json());
  if (!parsed.success) return c.json({ error: z.prettifyError(parsed.error) }, 400);
  server.refuseConnections(parsed.data.durationMs);
  return c.json(parsed.data);
});
app.get('/_books', (c) => c.json(book.books()));

const server = await serveParty(app, portVariable(), log, () => {
  due.stop();
  store.close();
});
due.start();

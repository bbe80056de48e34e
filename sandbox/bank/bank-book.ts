/** The bank's memory: files it was given, what it did with each payment, the account, and the reports it wrote. */
import { createHash } from 'node:crypto';
import type { DueWork } from '../support/due-work.ts';
import type { StateStore } from '../support/state-store.ts';
import { dayStatement, notice, statusReport, type Movement } from './bank-messages.ts';
import type { BankScenario, IncomingOrder } from './bank-orders.schema.ts';
import { readTransferFile, type TransferFile } from './credit-transfer-file.ts';

export const bankTables = `
create table if not exists setting (name text primary key, value text not null);
create table if not exists file (id text primary key, message_id text not null unique, sha256 text not null, xml text not null, state text not null);
create table if not exists payment (
  end_to_end_id text primary key, file_id text not null, cents integer not null, name text not null, iban text not null,
  text text not null, state text not null);
create table if not exists movement (
  id integer primary key, cents integer not null, booked_on text not null, end_to_end_id text, name text not null,
  iban text not null, reference text, text text, return_reason text, statement_id text);
create table if not exists report (id integer primary key, kind text not null, name text not null, sha256 text not null, xml text not null);`;

interface PaymentRow {
  end_to_end_id: string;
  cents: number;
  name: string;
  iban: string;
  text: string;
  state: string;
}

export type Taken = { kind: 'taken' | 'duplicate'; fileId: string } | { kind: 'unreadable'; reason: string };

export function createBankBook(parts: {
  store: StateStore;
  iban: string;
  scenario: () => BankScenario;
  due: () => DueWork;
}) {
  const { store, iban, scenario, due } = parts;
  const today = () => new Date().toISOString().slice(0, 10);

  function report(kind: 'pain.002' | 'camt.053' | 'camt.054', name: string, xml: string): void {
    const sha256 = createHash('sha256').update(xml).digest('hex');
    for (let copy = 0; copy < (scenario().repeatsReports ? 2 : 1); copy += 1)
      store.run('insert into report (kind, name, sha256, xml) values (?, ?, ?, ?)', kind, name, sha256, xml);
  }

  function move(movement: Omit<Movement, 'id' | 'booked_on'>): void {
    store.run(
      'insert into movement (cents, booked_on, end_to_end_id, name, iban, reference, text, return_reason) values (?, ?, ?, ?, ?, ?, ?, ?)',
      movement.cents,
      today(),
      movement.end_to_end_id,
      movement.name,
      movement.iban,
      movement.reference,
      movement.text,
      movement.return_reason,
    );
    const row = store.one<Movement>('select * from movement order by id desc limit 1');
    if (row === undefined) throw new Error('no movement was written');
    const id = `NTF-${row.id}`;
    report('camt.054', id, notice(id, iban, row, scenario().omitsEndToEndId));
  }

  const paymentsOf = (fileId: string) =>
    store.all<PaymentRow>('select * from payment where file_id = ? order by rowid', fileId);
  const find = (endToEndId: string) =>
    store.one<PaymentRow>('select * from payment where end_to_end_id = ?', endToEndId);
  const setState = (endToEndId: string, state: string) =>
    store.run('update payment set state = ? where end_to_end_id = ?', state, endToEndId);

  return {
    /** A message identifier is taken once, for ever; the content does not matter for that. */
    take(xml: string): Taken {
      let file: TransferFile;
      try {
        file = readTransferFile(xml);
        if (file.debtorIban !== iban) throw new Error('AC01');
      } catch (error) {
        const { message } = error as Error;
        return { kind: 'unreadable', reason: /^[A-Z]{2}\d{2}$/.test(message) ? message : 'FF01' };
      }
      const sha256 = createHash('sha256').update(xml).digest('hex');
      const known = store.one<{ id: string }>(
        'select id from file where message_id = ? or sha256 = ?',
        file.messageId,
        sha256,
      );
      if (known !== undefined) return { kind: 'duplicate', fileId: known.id };
      const fileId = `FILE-${sha256.slice(0, 12)}`;
      store.transaction(() => {
        store.run(`insert into file values (?, ?, ?, ?, 'received')`, fileId, file.messageId, sha256, xml);
        for (const payment of file.payments)
          store.run(
            `insert into payment values (?, ?, ?, ?, ?, ?, 'received')`,
            payment.endToEndId,
            fileId,
            payment.cents,
            payment.name,
            payment.iban,
            payment.text,
          );
        due().schedule('answer_file', fileId, scenario().statusMs);
      });
      return { kind: 'taken', fileId };
    },

    fileByMessage: (messageId: string) =>
      store.one<{ id: string; sha256: string; state: string }>(
        'select id, sha256, state from file where message_id = ?',
        messageId,
      ),

    answerFile(fileId: string): void {
      const row = store.one<{ message_id: string; xml: string; state: string }>(
        'select message_id, xml, state from file where id = ?',
        fileId,
      );
      if (row?.state !== 'received') return;
      const { files, rejects, bookMs } = scenario();
      const payments = paymentsOf(fileId);
      const fileReason = files === 'reject' ? 'AM10' : null;
      const verdicts = payments.map((payment) => ({
        endToEndId: payment.end_to_end_id,
        reason: fileReason ?? rejects[payment.iban] ?? null,
      }));
      for (const { endToEndId, reason } of verdicts) {
        setState(endToEndId, reason === null ? 'accepted' : 'rejected');
        if (reason === null) due().schedule('book_payment', endToEndId, bookMs);
      }
      store.run(`update file set state = 'answered' where id = ?`, fileId);
      const blockId = readTransferFile(row.xml).blockIds[0] ?? '';
      report(
        'pain.002',
        `STS-${fileId}`,
        statusReport(`STS-${fileId}`, { messageId: row.message_id, blockId }, fileReason, verdicts),
      );
    },

    bookPayment(endToEndId: string): void {
      const payment = find(endToEndId);
      if (payment?.state !== 'accepted') return;
      setState(endToEndId, 'booked');
      move({
        cents: -payment.cents,
        end_to_end_id: endToEndId,
        name: payment.name,
        iban: payment.iban,
        reference: null,
        text: payment.text,
        return_reason: null,
      });
      if (scenario().returns[payment.iban] !== undefined)
        due().schedule('return_payment', endToEndId, scenario().returnMs);
    },

    returnPayment(endToEndId: string): void {
      const payment = find(endToEndId);
      if (payment?.state !== 'booked') return;
      setState(endToEndId, 'returned');
      move({
        cents: payment.cents,
        end_to_end_id: endToEndId,
        name: payment.name,
        iban: payment.iban,
        reference: null,
        text: payment.text,
        return_reason: scenario().returns[payment.iban] ?? 'MS03',
      });
    },

    receive(order: IncomingOrder): void {
      store.transaction(() =>
        move({
          cents: order.cents,
          end_to_end_id: null,
          name: order.name,
          iban: order.iban,
          reference: order.reference ?? null,
          text: order.text ?? null,
          return_reason: null,
        }),
      );
    },

    /** Writes the statement of everything since the last one; its opening balance is the last one's closing. */
    closeDay(): string {
      return store.transaction(() => {
        const movements = store.all<Movement>(
          'select * from movement where statement_id is null order by id',
        );
        const { opening } = store.one<{ opening: number }>(
          'select coalesce(sum(cents), 0) opening from movement where statement_id is not null',
        ) ?? { opening: 0 };
        const { count } = store.one<{ count: number }>(
          `select count(distinct name) count from report where kind = 'camt.053'`,
        ) ?? { count: 0 };
        const id = `STM-${String(count + 1).padStart(5, '0')}`;
        store.run('update movement set statement_id = ? where statement_id is null', id);
        report(
          'camt.053',
          id,
          dayStatement(id, iban, today(), opening, movements, scenario().omitsEndToEndId),
        );
        return id;
      });
    },

    reports: (after: number) =>
      store.all<{ id: number; kind: string; name: string; sha256: string }>(
        'select id, kind, name, sha256 from report where id > ? order by id limit 100',
        after,
      ),
    reportXml: (id: number) => store.one<{ xml: string }>('select xml from report where id = ?', id)?.xml,
    books: () => ({
      balanceCents: String(
        store.one<{ sum: number }>('select coalesce(sum(cents), 0) sum from movement')?.sum ?? 0,
      ),
      files: store.all('select id, message_id messageId, sha256, state from file'),
      payments: store.all('select end_to_end_id endToEndId, cents, iban, state from payment order by rowid'),
    }),
  };
}

export type BankBook = ReturnType<typeof createBankBook>;

/** The story of a deposit that the cascade bench finds wrong: every row of ours and every movement of the PSPs that names it. */
import type pg from 'pg';
import { parseReference } from '#domain/payments/reference.ts';
import { psps } from './cascade-fates.ts';
import type { readBooks } from './cascade-proof.ts';

type Books = Awaited<ReturnType<typeof readBooks>>;

const questions: readonly (readonly [string, string])[] = [
  [
    'deposit',
    `select to_jsonb(d) - 'fingerprint' - 'options' as row from payments.deposit d where id = $1::uuid`,
  ],
  [
    'attempt',
    `select to_jsonb(a) as row from payments.attempt a where deposit_id = $1::uuid order by number`,
  ],
  [
    'refund',
    `select to_jsonb(r) - 'fingerprint' - 'payload_hash' as row from payments.refund r where deposit_id = $1::uuid`,
  ],
  [
    'work item',
    `select to_jsonb(w) as row from payments.work_item w where subject = 'deposit:' || $1::text order by opened_at`,
  ],
  [
    'notice',
    `select jsonb_set(to_jsonb(n), '{body}', to_jsonb(left(n.body, 200))) as row
     from compliance.webhook_inbox n where subject = 'deposit:' || $1::text order by id`,
  ],
  [
    'journal',
    `select to_jsonb(j) - 'fingerprint' as row from wallet.journal j
     where integration = 'pitboss' and external_id like 'deposit:' || $1::text || ':%' order by occurred_at`,
  ],
];

/** Lines to print; a question that fails tells so, since a story must not end the proof. */
export async function storyOf(database: pg.Client, books: Books, id: string): Promise<readonly string[]> {
  const lines = [`story of deposit ${id}`];
  for (const [what, text] of questions) {
    try {
      const { rows } = await database.query(text, [id]);
      lines.push(...rows.map(({ row }) => `  ${what}: ${JSON.stringify(row)}`));
    } catch (error) {
      lines.push(`  ${what}: not read (${error instanceof Error ? error.message : String(error)})`);
    }
  }
  for (const psp of psps) {
    const payments = books[psp].payments.filter(
      ({ reference }) => parseReference(reference ?? '')?.id === id,
    );
    const ids = new Set(payments.map((payment) => payment.id));
    lines.push(
      ...payments.map((payment) => `  ${psp} payment: ${JSON.stringify(payment)}`),
      ...books[psp].movements
        .filter(({ paymentId }) => paymentId !== null && ids.has(paymentId))
        .map((movement) => `  ${psp} movement: ${JSON.stringify(movement)}`),
    );
  }
  return lines;
}

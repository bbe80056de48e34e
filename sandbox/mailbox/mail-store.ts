/** Received mails as rows, newest first when read. */
import type { StateStore } from '../support/state-store.ts';

export const mailTables = `create table if not exists mail (
  id integer primary key, received_at_ms integer not null, sender text not null, subject text not null, text text not null,
  html text not null, links text not null);
create table if not exists recipient (mail_id integer not null, address text not null, primary key (mail_id, address)) without rowid;
create index if not exists recipient_address on recipient (address);`;

export interface NewMail {
  from: string;
  to: string[];
  subject: string;
  text: string;
  html: string;
  links: string[];
}
export interface Mail extends NewMail {
  id: number;
  receivedAtMs: number;
}

interface MailRow {
  id: number;
  received_at_ms: number;
  sender: string;
  subject: string;
  text: string;
  html: string;
  links: string;
}

export type MailStore = ReturnType<typeof createMailStore>;

export function createMailStore(store: StateStore) {
  const fromRow = (row: MailRow): Mail => ({
    id: row.id,
    receivedAtMs: row.received_at_ms,
    from: row.sender,
    subject: row.subject,
    text: row.text,
    html: row.html,
    to: store
      .all<{ address: string }>('select address from recipient where mail_id = ?', row.id)
      .map(({ address }) => address),
    links: JSON.parse(row.links) as string[],
  });

  return {
    add(mail: NewMail): void {
      store.transaction(() => {
        const row = store.one<{ id: number }>(
          'insert into mail (received_at_ms, sender, subject, text, html, links) values (?, ?, ?, ?, ?, ?) returning id',
          Date.now(),
          mail.from,
          mail.subject,
          mail.text,
          mail.html,
          JSON.stringify(mail.links),
        );
        for (const address of mail.to)
          store.run('insert or ignore into recipient values (?, ?)', row?.id ?? 0, address.toLowerCase());
      });
    },
    list(to: string | undefined, limit: number): Mail[] {
      const rows =
        to === undefined
          ? store.all<MailRow>('select * from mail order by id desc limit ?', limit)
          : store.all<MailRow>(
              'select mail.* from mail join recipient on mail_id = mail.id where address = ? order by mail.id desc limit ?',
              to.toLowerCase(),
              limit,
            );
      return rows.map(fromRow);
    },
    find(id: number): Mail | undefined {
      const row = store.one<MailRow>('select * from mail where id = ?', id);
      return row === undefined ? undefined : fromRow(row);
    },
    clear(): number {
      return store.transaction(() => {
        store.run('delete from recipient');
        return store.run('delete from mail');
      });
    },
  };
}

/** The SMTP side: takes every mail, reads it, keeps it, and only then says that it was taken. */
import { listenHost } from '../support/environment.ts';
import { simpleParser } from 'mailparser';
import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { Log } from '../support/json-log.ts';
import type { MailStore } from './mail-store.ts';

const sizeMax = 10 * 1024 * 1024;

export async function startSmtpSink(
  port: number,
  mails: MailStore,
  log: Log,
): Promise<{ close(): Promise<void> }> {
  const server = new SMTPServer({
    size: sizeMax,
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    // Any name and password: a mailbox for tests has nothing to protect.
    onAuth: (auth, _session, callback) => callback(null, { user: auth.username ?? 'anyone' }),
    onData(stream, session, callback) {
      simpleParser(stream)
        .then((parsed) => {
          const text = parsed.text ?? '';
          const html = parsed.html === false ? '' : (parsed.html ?? '');
          const sender = session.envelope.mailFrom;
          // The envelope decides who received it: a blind copy is in no header.
          const to = session.envelope.rcptTo.map(({ address }) => address);
          mails.add({
            from: parsed.from?.text ?? (sender === false ? '' : sender.address),
            to,
            subject: parsed.subject ?? '',
            text,
            html,
            links: linksOf(text, html),
          });
          log('mail', { recipients: to.length });
          callback();
        })
        .catch((error: unknown) => callback(error instanceof Error ? error : new Error('unreadable')));
    },
  });
  server.on('error', (error) => log('smtp_failed', { error: String(error) }));
  await new Promise<void>((resolve) => server.listen(port, listenHost(), resolve));
  log('smtp_listening', { port: (server.server.address() as AddressInfo).port });
  return { close: () => new Promise((resolve) => server.close(() => resolve())) };
}

function linksOf(text: string, html: string): string[] {
  const inAttributes = [...html.matchAll(/href="(https?:[^"]+)"/gi)].map((match) =>
    (match[1] ?? '').replaceAll('&amp;', '&'),
  );
  const inText = [...text.matchAll(/https?:\/\/[^\s<>"')\]]+/g)].map((match) => match[0]);
  return [...new Set([...inAttributes, ...inText])];
}

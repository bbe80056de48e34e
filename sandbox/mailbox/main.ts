/** A mailbox for everything the platform sends: a real SMTP server on one side, JSON and a plain page on the other. */
import { portVariable, requiredVariable } from '../support/environment.ts';
import { createLog } from '../support/json-log.ts';
import { createPartyApp, serveParty } from '../support/party-server.ts';
import { openStateStore } from '../support/state-store.ts';
import { createMailStore, mailTables } from './mail-store.ts';
import { serveMailPages } from './mail-pages.ts';
import { startSmtpSink } from './smtp-sink.ts';

const log = createLog('mailbox');
const store = openStateStore(requiredVariable('STATE_DIR'), 'mailbox.sqlite', mailTables);
const mails = createMailStore(store);
const app = createPartyApp(log);
serveMailPages(app, mails);

const smtp = await startSmtpSink(portVariable('SMTP_PORT'), mails, log);
await serveParty(app, portVariable(), log, async () => {
  await smtp.close();
  store.close();
});

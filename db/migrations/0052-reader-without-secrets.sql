-- The reader's address is given to people who look: analysts, auditors, `npm run verify`. What opens an account or a
-- sealed datum is not theirs to read, hashed or wrapped or not.
revoke select on
  pam.credential, pam.session, pam.email_verification, pam.sign_in_throttle, pam.player_key, pam.player_pii,
  backoffice.session, backoffice.sign_in_throttle,
  games.game_session, games.integration_credential,
  compliance.webhook_inbox
from pitboss_reader;

-- Who has approved what is part of an audit; the hash of a password is not.
revoke select on backoffice.operator from pitboss_reader;
grant select (id, email, name, status, brands) on backoffice.operator to pitboss_reader;

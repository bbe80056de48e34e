-- A round is always asked for with its player: the key that begins with the player answers for its rounds in their order, too.
-- The index of its own for that was a row more for each bet, and three for each round that ended.
alter table games.round_void_proposal drop constraint round_void_proposal_integration_round_ref_player_id_fkey;
alter table games.round drop constraint round_pkey;
alter table games.round add primary key (player_id, integration, round_ref);
alter table games.round_void_proposal add foreign key (player_id, integration, round_ref)
  references games.round (player_id, integration, round_ref);
drop index games.round_by_player;

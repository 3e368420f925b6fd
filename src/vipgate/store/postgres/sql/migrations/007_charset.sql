-- The park's charset, 'utf-8' or 'gbk' (read as GB18030). The header that declares one is not signed: a push that declares
-- another charset is rejected, so that no one in between can change the meaning of the signed bytes.
ALTER TABLE park ADD COLUMN charset text COLLATE "C" NOT NULL DEFAULT 'utf-8';
-- Bodies that were kept before this instant may be in the other charset, so they are not replayed. 0: never changed.
ALTER TABLE park ADD COLUMN charset_changed_us bigint NOT NULL DEFAULT 0;

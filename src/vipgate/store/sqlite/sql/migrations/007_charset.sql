-- The charset in which a park writes, 'utf-8' or 'gbk' (read as GB18030). The header that declares one is not signed: a push
-- that declares another is refused, so that nobody on its way changes what its signed bytes mean.
ALTER TABLE park ADD COLUMN charset TEXT NOT NULL DEFAULT 'utf-8';

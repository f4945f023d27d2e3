-- The inbox, to be asked for the rows of one lane. (On SQLite they are not found by an index alone.)
CREATE VIEW heard AS SELECT * FROM inbox;

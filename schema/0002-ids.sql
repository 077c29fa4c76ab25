-- Ids of archives below these have perhaps been given; one row for each worker.
CREATE TABLE id_ceilings (
	worker  BIGINT PRIMARY KEY,
	ceiling BIGINT NOT NULL -- microseconds since 1970
);

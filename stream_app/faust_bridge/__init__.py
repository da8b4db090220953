"""The only importer of Faust and aiokafka."""

// Where the Gateway API's CRDs are read from.  A module of its own, so that
// what it requires does not move the versions that the servers are built from.
module gslbd.io/tests/cluster/tools/gateway-api

go 1.26.0

require sigs.k8s.io/gateway-api v1.6.1

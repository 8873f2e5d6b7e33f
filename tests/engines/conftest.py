import pytest


@pytest.fixture(scope="session")
def two_workers():
    """A Ray cluster whose head does no work, and its two workers."""
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": 200_000_000})
    workers = [cluster.add_node(num_cpus=1, object_store_memory=100_000_000) for _ in range(2)]
    cluster.wait_for_nodes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", cluster.address)
        yield cluster, workers
        ray.shutdown()
        cluster.shutdown()

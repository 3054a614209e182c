"""EC2, over Apache Libcloud if that is installed."""

import json
import logging
import os
import urllib.request

log = logging.getLogger(__name__)

METADATA = "http://169.254.169.254/latest/"
PATIENCE = 5  # seconds for an answer of the metadata service


class EC2DriverFactory:
    """Makes Libcloud's driver for EC2 with credentials from the environment.

    These are those of the role AWS_IAM_ROLE, which the machine's metadata
    service hands out, or else AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY with
    AWS_SESSION_TOKEN, if there is one. The region is the one given or
    AWS_DEFAULT_REGION.
    """

    def __init__(self, region=None):
        self.region = region if region is not None else os.environ.get("AWS_DEFAULT_REGION")
        role = os.environ.get("AWS_IAM_ROLE")
        if role is not None:
            self.aws_ak, self.aws_sk, self.token = self._get_aws_credentials_from_iam_role(role)
            return
        self.aws_ak = os.environ.get("AWS_ACCESS_KEY_ID")
        self.aws_sk = os.environ.get("AWS_SECRET_ACCESS_KEY")
        self.token = os.environ.get("AWS_SESSION_TOKEN")

    def get_driver(self):
        """Return a driver. ImportError without Libcloud, ValueError without credentials."""
        try:
            from libcloud.compute.providers import get_driver
            from libcloud.compute.types import Provider
        except ImportError as error:
            raise ImportError(
                "EC2DriverFactory needs Apache Libcloud; install it for this python3 (python3-libcloud, apache-libcloud)"
            ) from error
        if not self.aws_ak or not self.aws_sk:
            raise ValueError(
                "no AWS credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not granted to this attack "
                "(see cmed's --plugin-env), and AWS_IAM_ROLE is not set")
        options = {"token": self.token} if self.token else {}
        return get_driver(Provider.EC2)(self.aws_ak, self.aws_sk, region=self.region, **options)

    @staticmethod
    def _get_aws_credentials_from_iam_role(role):
        """Return key, secret and token of a role, from the metadata service."""
        log.info("AWS credentials come from the role %s", role)
        session = _ask("api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
        answer = json.loads(_ask(
            "meta-data/iam/security-credentials/" + role, "GET", {"X-aws-ec2-metadata-token": session}))
        return answer.get("AccessKeyId"), answer.get("SecretAccessKey"), answer.get("Token")


def _ask(path, method, headers):
    """Ask the metadata service, which is never behind a proxy."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(METADATA + path, method=method, headers=headers)
    with direct.open(request, timeout=PATIENCE) as answer:
        return answer.read().decode("utf-8")

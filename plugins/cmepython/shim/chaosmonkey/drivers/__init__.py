"""Drivers of clouds."""

from chaosmonkey.drivers.ec2_driver import EC2DriverFactory

__all__ = ["EC2DriverFactory"]

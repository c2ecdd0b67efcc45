"""Plays the part of Microsoft Entra ID's provisioning service against a running host.

It knows how Entra speaks (``client``, ``shapes``), what it expects (``judge``), and looks into the target itself for
the effect (``target``). It imports nothing of the host's SCIM, sync or web code, so that it can judge them.
"""

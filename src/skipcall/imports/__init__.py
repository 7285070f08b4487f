"""Contacts from files: CSV exports of CRMs, address books and spreadsheets."""
